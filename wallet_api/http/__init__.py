"""The wallet over HTTP: routes translate, the services beside this package decide."""
