"""What a user writes: the kinds, declared once, and the rules no schema can say."""
