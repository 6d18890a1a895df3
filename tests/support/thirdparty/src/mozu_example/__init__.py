"""What a third party writes: three plugins that know nothing of mozu but its front door."""
