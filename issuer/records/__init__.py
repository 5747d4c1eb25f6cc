"""From a bureau's export to a snapshot of claims: check every row, quarantine single persons, derive, write.

manifest    what the export says about itself, and whether its files are those
tables      reading the three tables in batches, by column name, CSV or Parquet
rules       what each row must fulfil, and what is found wrong
people      the tables `person` and `employer`, whole in memory
rows        the table `contribution`, batch by batch, made compact
partitions  compact rows laid by stretch of persons
reading     what a process does with a piece of rows     deriving    and with a stretch of persons
importing   the import as one act: all or nothing
"""

from issuer.records.export import Export, load_export
from issuer.records.importing import ImportSummary, import_export
from issuer.records.rules import Finding

__all__ = ["Export", "Finding", "ImportSummary", "import_export", "load_export"]
