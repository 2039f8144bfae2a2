"""What the Simulate room shows priors, stamps and histograms with."""
