"""awswrangler: a table's items as a data frame, and that as CSV.

Not its own data frame: that refuses lists that hold both texts and numbers.
"""

import io
import os

import awswrangler
import pandas
from used import used


def export():
    awswrangler.config.dynamodb_endpoint_url = os.environ["ENDPOINT"]
    items = awswrangler.dynamodb.read_items(
        table_name=os.environ["TABLE"],
        allow_full_scan=True,
        use_threads=False,
        as_dataframe=False,
    )
    pandas.DataFrame(items).to_csv(io.StringIO(), index=False)


used(export)
