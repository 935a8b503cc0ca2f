"""The commands `hushpost policy`: show and change the policy of a tenant."""
