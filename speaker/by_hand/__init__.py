"""Break-glass: a person on the node withdraws a VIP, or all, without the API and for a time that ends by itself.

- `order`: what was ordered, by whom, until when. `switch_file`: what is written in a file; `switch` watches it.
- `keep`: orders outlive a restart of the speaker, on the same boot.
- `witness`: gives the orders in evidence and says each in the log. `command_socket`: where `herald withdraw` gives them.
- `metrics`: how many there are.

Whoever may write into the runtime directory, or connect to a socket of mode 0600 there, may order: root and the speaker's
own user.
"""
