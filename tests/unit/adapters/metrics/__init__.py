"""What adapters decide without their service."""
