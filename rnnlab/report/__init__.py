"""What people look at: pages, figures and the demo."""
