"""Reports as text and pages; reads finished records, computes nothing."""
