"""What operators see from outside: metrics, logs and traces, all read from one record of each request.

While a request is answered only its record is written (``records``): times, names, numbers of rows and the
texts of statements; never parameters, variables, what stands in addresses, or what was answered.
"""
