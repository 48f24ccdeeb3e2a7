"""What the end-to-end tests and the demo share: running maia, a scripted backend, and a real model."""
