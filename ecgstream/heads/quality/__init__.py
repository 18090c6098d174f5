"""Whether a short recording is good enough to be read: named features of its leads, and the trees over them."""
