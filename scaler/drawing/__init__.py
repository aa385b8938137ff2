"""Pictures and tables for people: values in, text out. Self-contained HTML, inline SVG, and terminals."""
