"""Who owns which field of an object: managedFields, and server-side apply on top of them."""
