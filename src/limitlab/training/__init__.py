"""Floor 5: domain-shift experiments."""
