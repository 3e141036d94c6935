"""The role "gateway": requests of networks go to the slaves of serial lines and of hosts."""
