"""A form filled from what was verified: nothing is typed into it but the signature.

filled  field by field, with the claim it came from     page_html  as a page without any link
words   the form's own words                            page_pdf   as A4 with the code of the answer
compare a printed form against what its code proves
"""
