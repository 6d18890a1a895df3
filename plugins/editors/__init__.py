"""What editors use: servers that stand on `mozu.core.api` alone and get the compiler's knowledge from the core."""
