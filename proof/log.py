def obligations():
    return []
