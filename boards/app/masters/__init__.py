"""What the roles that ask slaves have in common: a second line, hosts, and clients of both."""
