"""The console script `hushpost` and its commands `import` and `erase`."""
