"""Java archives: jar, war, ear and what nests in them."""
