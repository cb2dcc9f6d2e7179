import os
import sys

from compare import compare, once
from databricks import sql

with sql.connect(
    server_hostname=os.environ["DBX_HOST"],
    http_path=os.environ["DBX_PATH"],
    access_token=os.environ["DBX_TOKEN"],
    _port=int(os.environ["DBX_PORT"]),
    _tls_trusted_ca_file=os.environ["DBX_CA"],
    enable_telemetry=False,
) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT table_name FROM main.information_schema.tables WHERE table_schema = 'finance' ORDER BY 1")
    tables = [f"main.finance.{name}" for (name,) in cursor.fetchall()]
    wrong = compare("databricks-sql-connector", cursor, tables, "`", "STRING")
    statement = "SELECT number, rate FROM main.finance.gl_entry WHERE number = :number"
    wrong += once("databricks-sql-connector", cursor, statement, {"number": "00123"})
sys.exit(1 if wrong else 0)
