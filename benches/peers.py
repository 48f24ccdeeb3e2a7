"""Other gateways, as the benchmark of the proxy runs them."""


def installed(folder):
    return []
