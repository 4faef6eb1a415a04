"""The staff console: pages that are complete without scripts, and better with them."""
