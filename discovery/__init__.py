"""Discovery: who completes whom in another region and sector, and why."""
