"""Python packages as pip, setuptools and distributions install them."""
