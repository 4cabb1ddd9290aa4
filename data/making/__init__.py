"""The steps that turn the mail corpus into the tables beside them. Not part of the product: nothing imports it but `data/build.py`."""
