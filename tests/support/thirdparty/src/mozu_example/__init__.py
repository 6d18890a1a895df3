"""A third party's distribution: three plugins that use nothing of mozu but its public interface."""
