"""Reports: their records, and these as text, pages and pictures. Nothing is computed here."""
