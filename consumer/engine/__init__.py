"""The model, kept in a supervised process of its own."""
