"""How mkdocs makes a site of docs/ and of the pages outside of it."""
