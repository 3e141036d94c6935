"""Where frames begin and end: one module a format. Nothing here waits or does input or output."""
