"""What real data, hostile people and broken machines do to an installation, tried on purpose: `python -m chaos`.

Each part makes trials from a seed: mutated mails and tables, hostile folders, forged requests, kills, damaged files.
A trial survives where the product keeps its word; whoever fails is told with the seed that repeats it. Knows the
product by its commands, its HTTP interface and its readers alone.
"""
