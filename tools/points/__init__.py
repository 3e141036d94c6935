"""Files of points: made of other formats, checked, and printed as tables."""
