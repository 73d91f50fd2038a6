"""What of docs/ is written by code: `python -m scripts.docs` writes it, a test keeps it current.

Each module turns one thing that the programs themselves use into Markdown or SVG. Nothing here is part of the product.
"""
