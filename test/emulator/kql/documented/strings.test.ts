import { documented } from "./examples.ts";

documented({
  "base64_decode_toarray()": [["print base64_decode_toarray('S3VzdG8=')", "[[[75,117,115,116,111]]]"]],
  "base64_decode_toguid()": [
    ["print base64_decode_toguid('8jMxriJurkmwahbmqbIS6w==')", '[["ae3133f2-6e22-49ae-b06a-16e6a9b212eb"]]'],
  ],
  "base64_decode_tostring()": [
    ['print Quine=base64_decode_tostring("S3VzdG8=")', '[["Kusto"]]'],
    ['print Empty=base64_decode_tostring("U3RyaW5n0KHR0tGA0L7Rh9C60LA=")', '[[""]]'],
  ],
  "base64_encode_fromarray()": [["print base64_encode_fromarray(dynamic([75,117,115,116,111]))", '[["S3VzdG8="]]']],
  "base64_encode_fromguid()": [
    ["print base64_encode_fromguid(toguid('ae3133f2-6e22-49ae-b06a-16e6a9b212eb'))", '[["8jMxriJurkmwahbmqbIS6w=="]]'],
  ],
  "base64_encode_tostring()": [['print Quine=base64_encode_tostring("Kusto")', '[["S3VzdG8="]]']],
  "countof()": [
    ['print countof("aaa", "a"), countof("aaaa", "aa"), countof("ababa", "ab", "normal")', "[[3,3,2]]"],
    ['print countof("ababa", "aba"), countof("ababa", "aba", "regex"), countof("abcabc", "a.c", "regex")', "[[2,1,2]]"],
  ],
  "gettype()": [
    ['print gettype("a"), gettype(111), gettype(1==1), gettype(1s)', '[["string","long","bool","timespan"]]'],
    [
      `print gettype(parse_json(' "abc" ')), gettype(parse_json(' {"abc":1} ')), gettype(parse_json(' [1, 2, 3] '))`,
      '[["string","dictionary","array"]]',
    ],
    ["print gettype(123.45), gettype(guid(12e8b78d-55b4-46ae-b068-26d7a0080254))", '[["real","guid"]]'],
    ["print gettype(parse_json(''))", '[["null"]]'],
  ],
  "has_any_index()": [
    [
      `print has_any_index("this is an example", dynamic(['this', 'example'])), has_any_index("this is an example", dynamic(['not', 'example'])), has_any_index("this is an example", dynamic(['not', 'found'])), has_any_index("Example number 2", range(1, 3, 1)), has_any_index("this is an example", dynamic([]))`,
      "[[0,1,-1,1,-1]]",
    ],
  ],
  "hash()": [
    ['print tostring(hash("World")), hash("World", 100)', '[["1846988464401551951",51]]'],
    ['print tostring(hash(datetime("2015-01-01")))', '[["1380966698541616202"]]'],
  ],
  "hash_md5()": [["print hash_md5('World')", '[["f5a7924e621e84c9280a9a27e1bcb7f6"]]']],
  "hash_sha1()": [["print hash_sha1('World')", '[["70c07ec18ef89c5309bbb0937f3a6342411e1fdd"]]']],
  "hash_sha256()": [
    ["print hash_sha256('World')", '[["78ae647dc5544d227130a0682a51e30bc7777fbb6d8a8f17007463a3ecd1d524"]]'],
  ],
  "indexof()": [
    [
      `print idx1 = indexof("abcdefg","cde"), idx2 = indexof("abcdefg","cde",1,4), idx3 = indexof("abcdefg","cde",1,2), idx4 = indexof("abcdefg","cde",3,4), idx5 = indexof("abcdefg","cde",-5), idx6 = indexof(1234567,5,1,4), idx7 = indexof("abcdefg","cde",2,-1), idx8 = indexof("abcdefgabcdefg", "cde", 1, 10, 2), idx9 = indexof("abcdefgabcdefg", "cde", 1, -1, 3)`,
      "[[2,2,-1,-1,2,4,2,9,-1]]",
    ],
  ],
  "ipv4_compare()": [
    [
      `datatable(ip1_string:string, ip2_string:string) ['192.168.1.0', '192.168.1.0', '192.168.1.1/24', '192.168.1.255', '192.168.1.1', '192.168.1.255/24', '192.168.1.1/30', '192.168.1.255/24']
| project result = ipv4_compare(ip1_string, ip2_string)`,
      "[[0],[0],[0],[0]]",
    ],
    [
      `datatable(ip1_string:string, ip2_string:string, prefix:long) ['192.168.1.1', '192.168.1.0', 31, '192.168.1.1/24', '192.168.1.255', 31, '192.168.1.1', '192.168.1.255', 24]
| project result = ipv4_compare(ip1_string, ip2_string, prefix)`,
      "[[0],[0],[0]]",
    ],
  ],
  "parse_ipv4()": [
    [
      `datatable(ip_string:string) ['192.168.1.1', '192.168.1.1/24', '255.255.255.255/31'] | project ip_long = parse_ipv4(ip_string)`,
      "[[3232235777],[3232235776],[4294967294]]",
    ],
  ],
  "isempty()": [
    [
      'print isempty(""), isempty("x"), isempty(parse_json("")), isempty(parse_json("[]"))',
      "[[true,false,true,false]]",
    ],
  ],
  "parse_csv()": [
    [
      `print result=parse_csv('aa,"b,b,b",cc,"Escaping quotes: ""Title""","line1\\nline2"')`,
      '[[["aa","b,b,b","cc","Escaping quotes: \\"Title\\"","line1\\nline2"]]]',
    ],
    ["print result=parse_csv('record1,a,b,c\\nrecord2,x,y,z')", '[[["record1","a","b","c"]]]'],
  ],
  "parse_path()": [
    [
      `datatable(p:string) [@"C:\\temp\\file.txt", @"temp\\file.txt", "file://C:/temp/file.txt:some.exe", @"\\\\shared\\users\\temp\\file.txt.gz", "/usr/lib/temp/file.txt"]
| project path_parts = parse_path(p)`,
      JSON.stringify(
        [
          ["", "C:", "C:\\temp", "temp", "file.txt", "txt", ""],
          ["", "", "temp", "temp", "file.txt", "txt", ""],
          ["file", "C:", "C:/temp", "temp", "file.txt", "txt", "some.exe"],
          ["", "", "\\\\shared\\users\\temp", "temp", "file.txt.gz", "gz", ""],
          ["", "", "/usr/lib/temp", "temp", "file.txt", "txt", ""],
        ].map(([Scheme, RootPath, DirectoryPath, DirectoryName, Filename, Extension, AlternateDataStreamName]) => [
          { Scheme, RootPath, DirectoryPath, DirectoryName, Filename, Extension, AlternateDataStreamName },
        ]),
      ),
    ],
  ],
  "parse_url()": [
    [
      'print Result=parse_url("scheme://username:password@host:1234/this/is/a/path?k1=v1&k2=v2#fragment")',
      '[[{"Scheme":"scheme","Host":"host","Port":"1234","Path":"/this/is/a/path","Username":"username","Password":"password","Query Parameters":{"k1":"v1","k2":"v2"},"Fragment":"fragment"}]]',
    ],
  ],
  "parse_urlquery()": [
    ['print Result=parse_urlquery("k1=v1&k2=v2&k3=v3")', '[[{"Query Parameters":{"k1":"v1","k2":"v2","k3":"v3"}}]]'],
  ],
  "parse_version()": [
    [
      'datatable(v:string) ["0.0.0.5", "0.0.7.0", "0.0.3", "0.2", "0.1.2.0", "1.2.3.4", "1"] | project tostring(parse_version(v))',
      '[["5"],["700000000"],["300000000"],["20000000000000000"],["10000000200000000"],["1000000020000000300000004"],["1000000000000000000000000"]]',
    ],
    [
      `let dt = datatable(lab: string, v: string) ["Lab A", "0.0.0.5", "Lab B", "0.0.7.0", "Lab D","0.0.3", "Lab C", "0.2", "Lab G", "0.1.2.0", "Lab F", "1.2.3.4", "Lab E", "1"];
dt | extend parsed_version = parse_version(v)
| extend needs_update = iff(parsed_version < parse_version("1.0.0.0"), "Yes", "No") | project lab, v, needs_update | sort by lab asc, v, needs_update`,
      '[["Lab A","0.0.0.5","Yes"],["Lab B","0.0.7.0","Yes"],["Lab C","0.2","Yes"],["Lab D","0.0.3","Yes"],["Lab E","1","No"],["Lab F","1.2.3.4","No"],["Lab G","0.1.2.0","Yes"]]',
    ],
  ],
  "replace_string()": [
    [
      "range x from 1 to 3 step 1 | extend str=strcat('Number is ', tostring(x)) | project replaced=replace_string(str, 'is', 'was')",
      '[["Number was 1"],["Number was 2"],["Number was 3"]]',
    ],
  ],
  "replace_strings()": [
    [
      `print replace_strings("A magic trick can turn a cat into a dog", dynamic(['cat', 'dog']), dynamic(['dog', 'pigeon']))`,
      '[["A magic trick can turn a dog into a pigeon"]]',
    ],
    [
      `print replace_strings("A magic trick can turn a cat into a dog", dynamic(['turn', ' into a dog']), dynamic(['disappear', '']))`,
      '[["A magic trick can disappear a cat"]]',
    ],
    [
      `print Message="This is an example of using replace_strings()" | project Outcome1 = replace_strings(Message, dynamic(['This', 'is']), dynamic(['This', 'was'])), Outcome2 = replace_strings(Message, dynamic(['is', 'This']), dynamic(['was', 'This']))`,
      '[["This was an example of using replace_strings()","Thwas was an example of using replace_strings()"]]',
    ],
    [
      `print replace_strings("This is an example of using replace_strings()", dynamic(['This', 'is']), dynamic([12345, 'was']))`,
      '[["This was an example of using replace_strings()"]]',
    ],
  ],
  "reverse()": [
    ['print str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" | project rstr = reverse(str)', '[["ZYXWVUTSRQPONMLKJIHGFEDCBA"]]'],
    ["print rint = reverse(12345), rdouble = reverse(123.45), rbool = reverse(true)", '[["54321","54.321","eurT"]]'],
  ],
  "split()": [
    [
      'print split("aa_bb", "_"), split("aaa_bbb_ccc", "_", 1), split("", "_"), split("a__b", "_"), split("aabbcc", "bb")',
      '[[["aa","bb"],["bbb"],[""],["a","","b"],["aa","cc"]]]',
    ],
  ],
  "strcat()": [["print str = strcat('hello', ' ', 'world')", '[["hello world"]]']],
  "strcat_array()": [["print str = strcat_array(dynamic([1, 2, 3]), '->')", '[["1->2->3"]]']],
  "strcat_delim()": [["print st = strcat_delim('-', 1, '2', 'A', 1s)", '[["1-2-A-00:00:01"]]']],
  "strcmp()": [
    [
      'datatable(string1:string, string2:string) ["ABC","ABC", "abc","ABC", "ABC","abc", "abcde","abc"] | project result = strcmp(string1,string2)',
      "[[0],[1],[-1],[1]]",
    ],
  ],
  "string_size()": [["print size = string_size('hello'), size2 = string_size('⒦⒰⒮⒯⒪')", "[[5,15]]"]],
  "strlen()": [['print length = strlen("hello"), strlen("⒦⒰⒮⒯⒪")', "[[5,5]]"]],
  "strrep()": [
    [
      "print from_str = strrep('ABC', 2), from_int = strrep(123,3,'.'), from_time = strrep(3s,2,' ')",
      '[["ABCABC","123.123.123","00:00:03 00:00:03"]]',
    ],
  ],
  "substring()": [
    [
      'print substring("123456", 1), substring("123456", 2, 2), substring("ABCD", 0, 2), substring("123456", -2, 2)',
      '[["23456","34","AB","56"]]',
    ],
  ],
  "tohex()": [
    [
      "print tohex(256), tohex(-256), tohex(toint(-256), 8), tohex(256, 8)",
      '[["100","ffffffffffffff00","ffffff00","00000100"]]',
    ],
  ],
  "tolower()": [['print tolower("Hello") == "hello"', "[[true]]"]],
  "toupper()": [['print toupper("hello") == "HELLO"', "[[true]]"]],
  "translate()": [
    [
      'print translate("abc", "x", "abc"), translate("abc", "", "ab"), translate("krasp", "otsku", "spark")',
      '[["xxx","","kusto"]]',
    ],
  ],
  "unicode_codepoints_from_string()": [
    ['print arr = unicode_codepoints_from_string("⒦⒰⒮⒯⒪")', "[[[9382,9392,9390,9391,9386]]]"],
  ],
  "unicode_codepoints_to_string()": [
    ["print str = unicode_codepoints_to_string(dynamic([75, 117, 115, 116, 111]))", '[["Kusto"]]'],
    ["print str = unicode_codepoints_to_string(75, 10, dynamic([117, 115, 116, 111]))", '[["K\\nusto"]]'],
  ],
  "url_decode()": [["print decoded = url_decode('https%3a%2f%2fwww.bing.com%2f')", '[["https://www.bing.com/"]]']],
  "extract()": [
    ['print extract("x=([0-9.]+)", 1, "hello x=45.6|wo", typeof(real))', "[[45.6]]"],
    [
      `let Dates = datatable(DateString: string) ["15-12-2024", "21-07-2023", "10-03-2022"];
Dates | project Month = extract(@"-(\\d{2})-", 1, DateString, typeof(int))`,
      "[[12],[7],[3]]",
    ],
    [
      `datatable(Text: string) ["User: JohnDoe, Email: johndoe@example.com, Age: 29", "User: JaneSmith, Email: janesmith@example.com, Age: 34"]
| project UserName = extract("User: ([^,]+)", 1, Text), EmailAddress = extract(@"Email: (\\S+),", 1, Text), Age = extract(@"\\d+", 0, Text)`,
      '[["JohnDoe","johndoe@example.com","29"],["JaneSmith","janesmith@example.com","34"]]',
    ],
  ],
  "extract_all()": [
    [
      'print guid_bytes = extract_all(@"([\\da-f]{2})", "82b8be2d-dfa7-4bd1-8f63-24ad26d31449")',
      '[[["82","b8","be","2d","df","a7","4b","d1","8f","63","24","ad","26","d3","14","49"]]]',
    ],
    [
      'print extract_all(@"(\\w)(\\w+)(\\w)", "82b8be2d-dfa7-4bd1-8f63-24ad26d31449")',
      '[[[["8","2b8be2","d"],["d","fa","7"],["4","bd","1"],["8","f6","3"],["2","4ad26d3144","9"]]]]',
    ],
    [
      'print extract_all(@"(\\w)(\\w+)(\\w)", dynamic([1,3]), "82b8be2d-dfa7-4bd1-8f63-24ad26d31449")',
      '[[[["8","d"],["d","7"],["4","1"],["8","3"],["2","9"]]]]',
    ],
    [
      `print extract_all(@"(?P<first>\\w)(?P<middle>\\w+)(?P<last>\\w)", dynamic(['first',2,'last']), "82b8be2d-dfa7-4bd1-8f63-24ad26d31449")`,
      '[[[["8","2b8be2","d"],["d","fa","7"],["4","bd","1"],["8","f6","3"],["2","4ad26d3144","9"]]]]',
    ],
    ['print extract_all(@"(\\d+)", "a set of numbers: 123, 567 and 789")', '[[["123","567","789"]]]'],
  ],
  "replace_regex()": [
    [
      "range x from 1 to 5 step 1 | extend str=strcat('Number is ', tostring(x)) | project replaced=replace_regex(str, @'is (\\d+)', @'was: \\1')",
      '[["Number was: 1"],["Number was: 2"],["Number was: 3"],["Number was: 4"],["Number was: 5"]]',
    ],
  ],
  "trim()": [
    ['print trimmed_string = trim("--", @"--https://bing.com--")', '[["https://bing.com"]]'],
    [
      'range x from 1 to 5 step 1 | project str = strcat("-  ","Te st",x,@"// $") | project trimmed_str = trim(@"[^\\w]+",str)',
      '[["Te st1"],["Te st2"],["Te st3"],["Te st4"],["Te st5"]]',
    ],
    ['print trim(@"\\s+", @"    Hello, world!    ")', '[["Hello, world!"]]'],
  ],
  "trim_end()": [
    ['print trim_end(@".com", "bing.com")', '[["bing"]]'],
    ['print str = strcat("-  ","Te st",1,@"// $") | project trim_end(@"[^\\w]+",str)', '[["-  Te st1"]]'],
  ],
  "trim_start()": [['print trim_start("https://", "https://bing.com")', '[["bing.com"]]']],
  "has operator": [
    [
      'print "North America" has "america", "North America" has "amer", "NorthAmerica" has "America"',
      "[[true,false,false]]",
    ],
  ],
  "string operators": [
    [
      'print "aBc" == "aBc", "abc" =~ "ABC", "abc" !~ "xyz", "FabriKam" contains "BRik", "FabriKam" contains_cs "Kam"',
      "[[true,true,true,true,true]]",
    ],
    [
      'print "Fabrikam" startswith "fab", "Fabrikam" endswith "Kam", "Fabrikam" matches regex "b.*k"',
      "[[true,true,true]]",
    ],
    [
      'print "North America" hasprefix "ame", "North America" hassuffix "ica", "abc" in~ ("123", "345", "ABC")',
      "[[true,true,true]]",
    ],
    [
      'print "bca" !in ("123", "345", "abc"), "North and South America" has_all("south", "north"), "North America" has_any("south", "north")',
      "[[true,true,true]]",
    ],
  ],
});
