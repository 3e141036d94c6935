"""The page of umb.panel, and how it is put together."""
