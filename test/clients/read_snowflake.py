import os
import sys

import snowflake.connector
from compare import compare, once

snowflake.connector.paramstyle = "qmark"
with snowflake.connector.connect(
    account=os.environ["SF_ACCOUNT"],
    host="127.0.0.1",
    port=int(os.environ["SF_PORT"]),
    protocol="http",
    user=os.environ["SF_USER"],
    authenticator="PROGRAMMATIC_ACCESS_TOKEN",
    token=os.environ["SF_TOKEN"],
    database=os.environ["SF_DATABASE"],
    schema=os.environ["SF_SCHEMA"],
    warehouse=os.environ["SF_WAREHOUSE"],
    role=os.environ["SF_ROLE"],
    enable_server_session_keep_alive_auto_detection=False,
) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA() ORDER BY 1")
    tables = [f'"{name}"' for (name,) in cursor.fetchall()]
    wrong = compare("snowflake-connector-python", cursor, tables, '"', "VARCHAR")
    statement = "SELECT NUMBER, RATE FROM GL_ENTRY WHERE NUMBER = ?"
    wrong += once("snowflake-connector-python", cursor, statement, ("00123",))
sys.exit(1 if wrong else 0)
