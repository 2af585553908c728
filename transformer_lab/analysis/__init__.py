"""What a trained model does: its geometry, its blind spots, its cost, measured."""
