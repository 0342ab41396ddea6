"""The site: boards, findings and documentation as static pages that need nothing else."""
