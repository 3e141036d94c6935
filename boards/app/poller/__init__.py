"""The role "poller": devices are polled, and what they have is served on."""
