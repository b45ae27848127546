"""The report of a release: one HTML file that is read in a browser, without a network and without scripts."""
