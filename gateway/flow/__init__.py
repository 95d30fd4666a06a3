"""What happens to a document between its acceptance and its proof of delivery."""
