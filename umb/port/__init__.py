"""Where bytes come from and go to. What differs between boards is handled here, and only here."""
