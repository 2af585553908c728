"""The controlled experiments, declared: factor, arms, seeds, budget, what is measured."""
