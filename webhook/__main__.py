"""`python -m webhook`: the command `scaler-webhook`."""

from webhook.cli import main

if __name__ == "__main__":
    main()
