"""Reads every table through a connector: each typed value must be what the same column is as text."""
from datetime import date, datetime
from decimal import Decimal


def as_text(value, like):
    """The value as the warehouse writes it; `like` decides forms that are equal."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, Decimal)):
        return like if like is not None and Decimal(str(value)) == Decimal(like) else str(value)
    if isinstance(value, datetime):
        return like if like is not None and value.replace(tzinfo=None) == moment(like) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def moment(text):
    return datetime.fromisoformat(text.replace(" Z", "").removesuffix("Z").split("+")[0].strip())


def compare(name, cursor, tables, quote, text_type):
    """Number of values that differ, each printed."""
    wrong = values = 0
    for table in tables:
        cursor.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        typed = cursor.fetchall()
        texts = ", ".join(f"CAST({quote}{column}{quote} AS {text_type})" for column in columns)
        cursor.execute(f"SELECT {texts} FROM {table}")
        plain = cursor.fetchall()
        if len(typed) != len(plain) or not typed:
            print(f"{name}: {table} has {len(typed)} and {len(plain)} rows")
            wrong += 1
        for row, told in zip(typed, plain):
            for column, value, text in zip(columns, row, told):
                values += 1
                if as_text(value, text) != text:
                    print(f"{name}: {table}.{column} is {value!r}, as text {text!r}")
                    wrong += 1
    print(f"{name}: {len(tables)} tables, {values} values, {wrong} wrong")
    return wrong


def once(name, cursor, sql, parameters):
    """0 where a statement with parameters finds its one row."""
    cursor.execute(sql, parameters)
    found = [tuple(row) for row in cursor.fetchall()]
    print(f"{name}: {sql} gives {found}")
    return 0 if len(found) == 1 else 1
