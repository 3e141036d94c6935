"""dev.py fuzz: random traffic beside independent models, for as long as one likes."""
