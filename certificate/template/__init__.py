"""Templates: an organisation's form as data, with what is asked to fill it.

language  what a template says, as values     parsing     a template file, checked
shipped   the templates shipped as examples   retirement  what is asked from nobody any more
"""
