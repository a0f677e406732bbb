"""Terms of an equation, such as ``-u*u_x``: read, named, and taken apart into factors."""
