"""The steps that turn the mail corpus into the tables beside them. Only `data/build.py` imports it."""
