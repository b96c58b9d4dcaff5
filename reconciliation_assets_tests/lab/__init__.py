"""Sample companies with their truth, noise, and benchmarks: what the product is measured with, and no part of it."""
